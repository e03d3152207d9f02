"""An independent oracle: says from the actions topic alone what the trail must hold.

It shares no code with the product. What it knows of it is data: the catalog's table and the schemas.
"""
