"""
Scenario files, from YAML to a frozen plan.

- ``loader``: file in, plan out, or every problem at once. Start here.
- ``yaml``: values and where they stood, by the rules of YAML 1.2.
- ``editing``: ``--set path=value``.
- ``schema``: what a file may say.
- ``complaints``: what pydantic found, as sentences with a place and a suggestion.
- ``freezing``: what no single field can know; builds the plan.
- ``plan``: the frozen plan.
"""
