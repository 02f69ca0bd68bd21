"""Bad inputs, hostile files, fuzzing, kills: nothing ends in a traceback, a wrong answer or a torn file."""
