/* Told to cppcheck before each file: library macros that it cannot see through, in simple
 * words. */
#define HASH_ITER(hh, head, el, tmp) for ((el) = (head), (tmp) = 0; (el); (el) = (tmp))
#define json_array_foreach(array, index, value)                                                \
	for ((index) = 0; ((value) = json_array_get((array), (index))); (index)++)
#define json_object_foreach(object, key, value)                                                \
	for ((key) = json_next(object), (value) = json_get(object, key); (key);                \
	     (key) = json_next(object), (value) = json_get(object, key))
