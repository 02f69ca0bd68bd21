"""Group lasso: descent over whole groups, and the parts with which Newton's method takes groups."""
