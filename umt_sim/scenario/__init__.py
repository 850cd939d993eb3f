"""
Scenario files, from YAML to a frozen plan.

- ``loader``: file in, plan out, or every problem at once. Start here.
- ``yaml``: values and where they stood, by the rules of YAML 1.2.
- ``editing``: ``--set path=value``.
- ``schema``: what a file may say.
- ``times``: files of measured times.
- ``salvage``: what is left of a file when its broken parts are taken out.
- ``complaints``: what pydantic found, as sentences with a place and a suggestion.
- ``checks``: what no single field can know.
- ``asking``: what is asked in the language of ``expect``.
- ``freezing``: joins all of it into the plan.
- ``sweeping``: whether every value of a ``sweep`` makes a scenario.
- ``plan``: the frozen plan.
- ``shipped``: the scenarios that come with the package.
"""
