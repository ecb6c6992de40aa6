"""Labels: tasks for people, their answers, and what follows from them."""
