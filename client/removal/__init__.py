"""A stack taken down in the order that works, and what stays of it: its data, unless that is to go too."""
