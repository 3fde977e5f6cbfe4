"""Figures about HotHour, measured on this machine: `python -m loadtests.bench [NAME ...]`.

A question is a file in questions/: it makes a place of its own, starts the product as a process
where the question is about the product, and answers with figures. Everything else is what they
share: figures.py and table.py what is shown; product.py the product as an operator sees it;
sales.py rows to start from; http_load.py and live_load.py guests; machine.py cores, memory, time.

Rules: what is compared is measured in turns, in one run; an answer that the product got wrong fails
the run; a figure that the generator or the machine has spoilt says so itself.
"""
