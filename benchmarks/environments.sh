#!/bin/sh
# Creates the peers' environments under benchmarks/.envs: adelie apart, because it pins numpy below 2.
# R's glmnet is looked for on the path: install it with  Rscript -e 'install.packages("glmnet")'  or the system's package.
set -eu
here=$(cd "$(dirname "$0")" && pwd)/.envs
python=${PYTHON:-python3}

create() {
    name=$1
    shift
    "$python" -m venv "$here/$name"
    "$here/$name/bin/python" -m pip install --quiet --upgrade "$@"
    "$here/$name/bin/python" -m pip freeze > "$here/$name.txt"
}

create adelie "numpy<2" scipy adelie
create peers "numpy>=2" scipy celer skglm glum
create lassonet torch lassonet
Rscript -e 'cat("glmnet", as.character(packageVersion("glmnet")), "\n")' || echo "R with glmnet is missing: its rows will say so"
