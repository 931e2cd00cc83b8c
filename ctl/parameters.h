/* parameters.h - a method's parameters from the command line, as JSON.
 *
 * Either one JSON object, or "-" (an object on standard input), or any number of:
 *
 *   key=value        typed by the interface: yes, 64K, 0.5, an enum's name, or text as it is
 *                    (assign.h)
 *   key.sub=value    a field of a struct, or a key of a map
 *   key=value again  one more item, when the field is an array
 *   key:=JSON        as it is
 */
#ifndef CTL_PARAMETERS_H
#define CTL_PARAMETERS_H

#include "ctl/ctl.h"
#include <troupe/type.h>

/* Whether the arguments need the interface: some of them is key=value. */
bool parameters_need_type(char *const *arguments, int n);

/* *ret_text is given: the text of an object. type: the method's input; NULL: not known, then
 * each value is a string. An exit status otherwise, explained. */
int parameters_read(struct ctl *ctl, char *const *arguments, int n,
		    const struct troupe_type *type, char **ret_text);

#endif
