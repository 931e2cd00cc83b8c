/* Told to cppcheck before each file: library macros that it cannot see through, in simple words. */
#define HASH_ITER(hh, head, el, tmp) for ((el) = (head), (tmp) = 0; (el); (el) = (tmp))
