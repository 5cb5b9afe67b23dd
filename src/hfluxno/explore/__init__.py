"""An interactive page: a hidden law is drawn, inferred from its solution, and compared.

`explorer` and what it imports do not depend on the page; `page`, `controls` and `pictures` use
Panel and Bokeh.
"""
