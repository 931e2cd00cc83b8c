/* introspect.h - org.varlink.service: returns to clients what this server provides.
 *
 * Its handlers get the server as their context.
 */
#ifndef CONTROL_INTROSPECT_H
#define CONTROL_INTROSPECT_H

#include "control/host.h"

extern const struct control_service introspect_service;

#endif
