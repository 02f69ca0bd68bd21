"""One file per tool; ``protocol`` is what they share."""
