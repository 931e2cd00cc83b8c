/* address.h - addresses as text, for the host (plug-ins have troupe_address_print() and
 * troupe_address_parse()).
 *
 * The form is described in <troupe/address.h>. Pure, any thread.
 */
#ifndef PROTO_ADDRESS_H
#define PROTO_ADDRESS_H

#include <troupe/address.h>

/* Write the text of an address. */
void address_print(struct troupe_address address, char text[static TROUPE_ADDRESS_TEXT]);

/* Read one. Strict, so that an address has one text only: no sign, no blanks, no leading zeros.
 * -EINVAL. */
int address_parse(const char *text, struct troupe_address *ret_address);

#endif
