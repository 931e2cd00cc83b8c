/* invalid_parameter.h - the data of org.varlink.service.InvalidParameter, with a reason.
 *
 * Pure, any thread.
 */
#ifndef PROTO_INVALID_PARAMETER_H
#define PROTO_INVALID_PARAMETER_H

/* {"parameter":FIELD,"reason":REASON}, given. Varlink's own error has no place for a reason,
 * and a member more does not harm its readers. Both are valid UTF-8; field "": no parameter is
 * at fault, but the message as a whole; reason NULL or "": left out. NULL: no memory. */
char *invalid_parameter_print(const char *field, const char *reason);

#endif
