"""A fuzzer for numbers: random linear problems, judged by a reference in extended precision that shares no code with taut.

``problems`` says what a problem is, ``draws`` draws one from (seed, index), ``calls`` fits it, ``extended``, ``scaled``,
``reference``, ``bound`` and ``existence`` are the reference, ``judge`` compares, ``run`` is the command line.
"""
