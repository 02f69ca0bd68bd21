# Fits glmnet to every problem of a folder, one line of problems.csv each, in one process; called by r_glmnet.py.

suppressMessages(library(glmnet))
suppressMessages(library(Matrix))
folder <- commandArgs(trailingOnly = TRUE)[1]
problems <- read.csv(file.path(folder, "problems.csv"), colClasses = "character")
read_binary <- function(name, count) {
  connection <- file(file.path(folder, name), "rb")
  on.exit(close(connection))
  readBin(connection, "double", n = count)
}
glmnet.control(fdev = 0, devmax = 1, epsnr = 1e-18, mxitnr = 100)

fit_one <- function(problem) {
  number <- problem[["number"]]
  n <- as.integer(problem[["n"]])
  p <- as.integer(problem[["p"]])
  part <- function(name, count) read_binary(paste0(number, ".", name), count)
  X <- matrix(part("X", n * p), n, p)
  if (problem[["sparse"]] == "True") X <- Matrix(X, sparse = TRUE)
  y <- part("y", n)
  if (problem[["family"]] == "multinomial") y <- factor(y)
  lambdas <- part("lambdas", as.integer(problem[["count"]]))
  # Where descent stalls in rounding before thresh, glmnet gives up: then there is no reference.
  fit <- tryCatch(suppressWarnings(glmnet(
    X, y, family = problem[["family"]], weights = part("weights", n), penalty.factor = part("factors", p),
    lower.limits = part("lower", p), upper.limits = part("upper", p), alpha = as.numeric(problem[["alpha"]]),
    lambda = lambdas, thresh = 1e-20, maxit = 1e6, intercept = problem[["intercept"]] == "True",
    standardize = problem[["standardize"]] == "True"
  )), error = function(condition) NULL)
  if (is.null(fit) || length(fit$lambda) != length(lambdas)) return()
  blocks <- coef(fit)                       # at the fitted lambdas themselves: nothing is interpolated
  if (!is.list(blocks)) blocks <- list(blocks)
  values <- unlist(lapply(blocks, function(block) as.vector(as.matrix(block))))
  connection <- file(file.path(folder, paste0(number, ".out")), "wb")
  writeBin(values, connection)
  close(connection)
}
for (row in seq_len(nrow(problems))) fit_one(problems[row, ])
