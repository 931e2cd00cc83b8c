/* json_number.h - numbers between C and JSON, the same in every locale.
 *
 * Pure, any thread; used inside proto/ only.
 */
#ifndef PROTO_JSON_NUMBER_H
#define PROTO_JSON_NUMBER_H

#include "proto/json.h"
#include <stdint.h>

#define JSON_NUMBER_TEXT 32  /* bytes of the longest number printed, with its NUL */
#define JSON_NUMBER_MAX  511 /* bytes of the longest number read as a float */

/* The raw value `span`, a valid JSON number, as an integer, exactly: 1.0 and 1e3 are integers,
 * too. -EINVAL: it has a fraction; -ERANGE: it does not fit. */
int json_number_to_int(struct json_span span, int64_t *ret_value);

/* The same as a float; integers are fine. -ERANGE: too large, or too long a text. */
int json_number_to_float(struct json_span span, double *ret_value);

/* The shortest text that reads back as the same float, with a fraction or an exponent: "3.0".
 */
void json_number_print(double value, char text[static JSON_NUMBER_TEXT]);

#endif
