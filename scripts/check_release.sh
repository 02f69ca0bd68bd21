#!/usr/bin/env bash
# Everything of a release but its upload: build the sdist, and the wheel from it; check both; test the wheel in an environment
# that holds nothing else, in a folder that is not this one.
#
#     scripts/check_release.sh [FOLDER]      leaves sdist and wheel in FOLDER (a new one otherwise)
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
dist=${1:-$scratch/dist}
mkdir -p "$dist"
dist=$(cd "$dist" && pwd)
[ -z "$(ls -A "$dist")" ] || { echo "$dist holds files already: give a folder without any" >&2; exit 1; }

python3 -m venv "$scratch/tools"
"$scratch/tools/bin/pip" install -q build twine
# Without a flag build makes the wheel from the sdist, which shows that the sdist lacks nothing.
"$scratch/tools/bin/python" -m build --outdir "$dist" "$here" >/dev/null
"$scratch/tools/bin/twine" check --strict "$dist"/*

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$here/pyproject.toml")
tag=${GITHUB_REF_NAME:-v$version}
[[ $tag != v[0-9]* || $tag == "v$version" ]] || { echo "the tag is $tag and pyproject.toml says $version" >&2; exit 1; }

python3 -m venv "$scratch/fresh"
"$scratch/fresh/bin/pip" install -q "$dist/taut-$version-py3-none-any.whl"
cp "$here/examples/student-por.csv" "$scratch/table.csv"
cd "$scratch"
export PATH="$scratch/fresh/bin:$PATH" PYTHONPATH=""
[ "$(taut --version)" = "taut, version $version" ]
taut fit table.csv --target G3 --cv 3 --quiet --out model
taut show model >/dev/null
taut predict model table.csv --out predicted.csv --quiet
[ "$(wc -l <predicted.csv)" -eq 650 ]
taut report model --out page.html --quiet
grep -q "<html" page.html
python -c "import taut; print(taut.fit_path([[0.0], [1.0], [3.0]], [1.0, 2.0, 6.0], lambdas=[0.1, 0.0]).certificates[1].met)" | grep -qx True
ls -l "$dist"
