"""
The five bounded contexts. None imports another; they meet through published events and ids.

``brand``        who a customer is, how it looks and sounds; projects
``content``      pieces of content, their versions, variations and tests
``campaign``     ad campaigns and their money
``analytics``    metrics, reports, insights
``integration``  accounts on other platforms, their credentials and syncs

Each has ``model`` (aggregates and values), ``events`` (what it publishes),
``commands`` (payloads of the tasks it takes), ``repository`` (its port),
``postgres`` (the port's answer) and ``migrations``.
"""
