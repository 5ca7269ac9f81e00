"""Many calls and many clients that vanish, against one bridge: nothing of them may stay."""
