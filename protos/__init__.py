"""The contracts of the shop, and how Python code is made from them."""
