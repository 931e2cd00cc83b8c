/* json.h - the few JSON texts that a server makes itself. */
#ifndef HTTPSERVER_JSON_H
#define HTTPSERVER_JSON_H

/* {"error": name, "parameters": parameters}; parameters: JSON text, or NULL for {}. Given, or
 * NULL: no memory. */
char *json_error(const char *name, const char *parameters);

/* {name: "value"}, of UTF-8 text. Given, or NULL: no memory. */
char *json_member(const char *name, const char *value);

/* Parameters of InvalidParameter, from the detail of a reply: "field" or "field: reason". */
char *json_invalid_parameter(const char *detail);

#endif
