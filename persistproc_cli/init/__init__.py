"""A first project file, made from what a project's other files say."""
