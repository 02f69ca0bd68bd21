# R glmnet: the same contract as the Python runners (protocol.py), with .npy files read and written here.
# Rscript glmnet.R FOLDER OUT --setting '{"method": "covariance", "tol": 1e-10}' --repeats 3 --box 10
suppressMessages({library(glmnet); library(Matrix)})

read_npy <- function(path) {
  connection <- file(path, "rb")
  on.exit(close(connection))
  readBin(connection, "raw", 8)
  header <- rawToChar(readBin(connection, "raw", readBin(connection, "integer", 1, size = 2)))
  count <- prod(as.numeric(regmatches(header, gregexpr("[0-9]+(?=[,)])", header, perl = TRUE))[[1]]))
  if (grepl("<f8", header)) readBin(connection, "double", count) else readBin(connection, "integer", count)
}

write_npy <- function(path, values) {
  kind <- if (is.integer(values)) "<i4" else "<f8"
  header <- sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%d,), }", kind, length(values))
  header <- paste0(formatC(header, width = -(128 - 10 - 1)), "\n")
  connection <- file(path, "wb")
  on.exit(close(connection))
  writeBin(as.raw(c(0x93, utf8ToInt("NUMPY"), 1, 0)), connection)
  writeBin(nchar(header), connection, size = 2)
  writeBin(charToRaw(header), connection)
  writeBin(values, connection)
}

field <- function(text, name) {
  value <- regmatches(text, regexec(sprintf('"%s": *("[^"]*"|[^,}]+)', name), text))[[1]][2]
  gsub('"', "", value)
}

read_problem <- function(folder) {
  about <- readLines(file.path(folder, "problem.json"), warn = FALSE)
  part <- function(name) read_npy(file.path(folder, paste0(name, ".npy")))
  shape <- as.integer(regmatches(about, regexec('"shape": \\[([0-9]+), ([0-9]+)', about))[[1]][2:3])
  X <- if (file.exists(file.path(folder, "X.npy"))) matrix(part("X"), shape[1], shape[2]) else
    new("dgCMatrix", i = part("indices"), p = part("indptr"), x = part("data"), Dim = shape)
  loss <- field(about, "loss")
  list(X = X, y = part("y"), loss = loss, task = field(about, "task"), l1_ratio = as.numeric(field(about, "l1_ratio")),
       alphas = part("lambdas") / (if (loss == "squared") 2 else 1),
       folds = if (field(about, "task") == "cv") part("folds") + 1L else NULL)
}

family_of <- c(squared = "gaussian", logistic = "binomial", multinomial = "multinomial", poisson = "poisson")

options_of <- function(problem, setting) {
  options <- list(family = family_of[[problem$loss]], alpha = problem$l1_ratio, lambda = problem$alphas,
                  standardize = FALSE, intercept = FALSE, thresh = as.numeric(field(setting, "tol")), maxit = 1e9)
  method <- field(setting, "method")
  if (problem$loss == "squared") options$type.gaussian <- method
  if (problem$loss == "logistic" && method == "modified") options$type.logistic <- "modified.Newton"
  options
}

solve_path <- function(X, y, options) do.call(glmnet, c(list(x = X, y = y), options))

solve_cv <- function(problem, options) {
  do.call(cv.glmnet, c(list(x = problem$X, y = problem$y, foldid = problem$folds), options))
}

betas_of <- function(fit) if (is.list(fit$beta)) fit$beta else list(fit$beta)

fold_betas <- function(problem, options) {
  fit <- function(k) betas_of(solve_path(problem$X[problem$folds != k, ], problem$y[problem$folds != k], options))
  do.call(c, lapply(sort(unique(problem$folds)), fit))
}

tiny <- function(problem) {
  rows <- unique(round(seq(1, nrow(problem$X), length.out = 200)))
  small <- problem
  small$X <- problem$X[rows, seq_len(min(30, ncol(problem$X)))]
  small$y <- problem$y[rows]
  small$folds <- rep_len(1:3, length(rows))
  small
}

run <- function(problem, setting) {
  options <- options_of(problem, setting)
  if (problem$task == "cv") solve_cv(problem, options) else solve_path(problem$X, problem$y, options)
}

batch <- function(problem, setting, number) {
  clock <- system.time(for (i in seq_len(number)) fit <- run(problem, setting), gcFirst = FALSE)
  list(fit = fit, wall = clock[["elapsed"]] / number, processor = (clock[["user.self"]] + clock[["sys.self"]]) / number)
}

# Short runs are timed in batches of about a tenth of a second, because R's clock ticks in milliseconds.
timed <- function(problem, setting, repeats, box) {
  writeLines("5", "/proc/self/clear_refs") # forget the peak so far
  before <- resident("VmRSS")
  one <- batch(problem, setting, 1)
  memory <- max(resident("VmHWM") - before, 0)
  number <- min(100, max(1, ceiling(0.1 / max(one$wall, 1e-3))))
  taken <- if (number == 1) list(one) else list()
  while (length(taken) < repeats && (length(taken) == 0 || (length(taken) + 1) * one$wall * number <= box)) {
    one <- batch(problem, setting, number)
    taken <- c(taken, list(one))
  }
  list(fit = one$fit, wall = sapply(taken, `[[`, "wall"), processor = sapply(taken, `[[`, "processor"), memory = memory)
}

resident <- function(what) {
  line <- grep(what, readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) * 1024
}

write_answer <- function(out, betas, result) {
  dir.create(out, showWarnings = FALSE, recursive = TRUE)
  stacked <- as(do.call(cbind, betas), "CsparseMatrix")
  write_npy(file.path(out, "data.npy"), stacked@x)
  write_npy(file.path(out, "indices.npy"), stacked@i)
  write_npy(file.path(out, "indptr.npy"), stacked@p)
  if (!is.null(result$fit$cvm)) write_npy(file.path(out, "curve.npy"), result$fit$cvm)
  numbers <- function(x) paste(format(x, digits = 17), collapse = ", ")
  writeLines(sprintf('{"seconds": [%s], "cpu_seconds": [%s], "memory": %.0f, "version": "%s"}',
                     numbers(result$wall), numbers(result$processor), result$memory, packageVersion("glmnet")),
             file.path(out, "measurement.json"))
}

main <- function(arguments) {
  option <- function(name) arguments[which(arguments == paste0("--", name)) + 1]
  invisible(glmnet.control(fdev = 0, devmax = 1))
  problem <- read_problem(arguments[1])
  setting <- option("setting")
  invisible(run(tiny(problem), setting))
  result <- timed(problem, setting, as.integer(option("repeats")), as.numeric(option("box")))
  betas <- if (problem$task == "cv") fold_betas(problem, options_of(problem, setting)) else betas_of(result$fit)
  write_answer(arguments[2], betas, result)
}

suppressWarnings(main(commandArgs(trailingOnly = TRUE)))
