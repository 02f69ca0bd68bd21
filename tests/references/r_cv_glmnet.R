# Runs cv.glmnet on the CSV files of a folder and writes its curve there; called by test_selection_glmnet.py.

suppressMessages(library(glmnet))
folder <- commandArgs(trailingOnly = TRUE)[1]
read <- function(name) unname(as.matrix(read.csv(file.path(folder, paste0(name, ".csv")), header = FALSE)))
family <- commandArgs(trailingOnly = TRUE)[2]
standardize <- commandArgs(trailingOnly = TRUE)[3] == "TRUE"

glmnet.control(fdev = 0, devmax = 1, epsnr = 1e-18, mxitnr = 100)
fit <- cv.glmnet(
  read("X"), as.vector(read("y")), family = family, weights = as.vector(read("weights")),
  lambda = as.vector(read("lambdas")), foldid = as.vector(read("foldid")), alpha = as.numeric(commandArgs(trailingOnly = TRUE)[4]),
  type.measure = "deviance", standardize = standardize, thresh = 1e-20, maxit = 1e8
)
values <- rbind(cbind(fit$cvm, fit$cvsd), c(fit$lambda.min, fit$lambda.1se))
write.table(formatC(values, digits = 17, format = "g"), file.path(folder, "curve.csv"),
            sep = ",", quote = FALSE, row.names = FALSE, col.names = FALSE)
