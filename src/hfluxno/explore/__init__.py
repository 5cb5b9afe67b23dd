"""An interactive page: a hidden law is drawn, inferred from what is seen of it, and compared.

`explorer` and what it uses know nothing of a page; `page`, `controls` and `pictures` are Panel and
Bokeh.
"""
