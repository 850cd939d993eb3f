"""
The five agents, and what they have in common.

``agent``       the base: takes messages, performs, answers, retries, buries
``handlers``    ``@takes`` and ``@hears``: which method handles what
``courier``     sends messages, traced and guarded
``failures``    another attempt later, or the dead letters
``addresses``   exchanges, queues and routing keys
``catalogue``   every task and event with its payload, and who takes it
``ports``       what an agent is given; ``repositories`` are part of it
``start``       the handle of ``agent.start()``
``factory``     ``AgentFactory.create_agent``: checks what it is given

``integration``  Auth & Integration          ``brand``  Brand & Project Management
``strategy``     Content Strategy & Research ``creation``  Content Creation & Testing
``ads``          Content & Ad Management

``strategies`` remembers what was worked out; ``writer`` is the language model, as agents use it;
``answers`` reads what the other upstreams say
"""
