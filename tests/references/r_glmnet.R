# Fits glmnet to the CSV files of a folder and writes coefficients there with all their digits; called by r_glmnet.py.

suppressMessages(library(glmnet))
folder <- commandArgs(trailingOnly = TRUE)[1]
place <- function(name) file.path(folder, paste0(name, ".csv"))
matrix_from <- function(name) unname(as.matrix(read.csv(place(name), header = FALSE, colClasses = "numeric")))
vector_from <- function(name, default) if (file.exists(place(name))) as.vector(matrix_from(name)) else default
write_matrix <- function(name, values) {
  write.table(formatC(as.matrix(values), digits = 17, format = "g"), place(name),
              sep = ",", quote = FALSE, row.names = FALSE, col.names = FALSE)
}

options <- read.csv(place("options"), header = FALSE, row.names = 1, colClasses = "character", strip.white = TRUE)
option <- function(name) options[name, 1]
X <- matrix_from("X")
y <- matrix_from("y")
lambdas <- vector_from("lambdas")
kind <- option("family")
if (grepl("(", kind, fixed = TRUE)) kind <- eval(parse(text = kind))
if (identical(kind, "multinomial")) y <- factor(y)

# fdev = 0 and devmax = 1: fit every lambda, never stop where the deviance stops moving. epsnr is the outer tolerance
# of families given as objects.
glmnet.control(fdev = 0, devmax = 1, epsnr = 1e-18, mxitnr = 100)
fit <- glmnet(
  X, if (ncol(as.matrix(y)) == 1 && !is.factor(y)) as.vector(y) else y,
  family = kind,
  weights = vector_from("weights", rep(1, nrow(X))),
  offset = if (file.exists(place("offset"))) vector_from("offset") else NULL,
  penalty.factor = vector_from("penalty_factor", rep(1, ncol(X))),
  lower.limits = vector_from("lower", rep(-Inf, ncol(X))),
  alpha = as.numeric(option("alpha")), lambda = lambdas, thresh = 1e-20, maxit = 1e8,
  intercept = option("intercept") == "True", standardize = option("standardize") == "True",
  relax = file.exists(place("relax_gamma"))
)
stopifnot(length(fit$lambda) == length(lambdas), all.equal(fit$lambda, lambdas, tolerance = 1e-12))

gamma <- vector_from("relax_gamma", NULL)
# At the fitted lambdas themselves: nothing is interpolated. (coef(gamma = 0) is off by 1e-5; the refits are not.)
blocks <- if (is.null(gamma)) coef(fit) else gamma * coef(fit) + (1 - gamma) * coef(fit$relaxed)
if (!is.list(blocks)) blocks <- list(blocks)
for (k in seq_along(blocks)) write_matrix(paste0("coefficients.", k), t(as.matrix(blocks[[k]])))
