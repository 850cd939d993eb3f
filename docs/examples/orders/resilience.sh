#!/bin/sh
# The resilience tests, for any CI that can run a shell. Needs Python 3.11 and pip 25.1 or newer.
#   0 all held · 1 one did not · 2 a scenario is wrong · 3 a service is missing · 4 a run could not tell
set -eu
cd "$(dirname "$0")"

python3 -m venv .venv
.venv/bin/python -m pip install --quiet --upgrade pip
.venv/bin/python -m pip install --quiet --group test --editable .

.venv/bin/umt-sim validate scenarios/*.yaml
.venv/bin/umt-sim run scenarios/*.yaml --junit resilience.xml --markdown resilience.md
