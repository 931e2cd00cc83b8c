/* hosts.h - whether the Host of a request may be this server's name.
 *
 * A page of another site may make its own name mean a loopback address (DNS rebinding): a
 * browser then takes this server for that site. So on loopback addresses only names are taken
 * that can be nobody else's, unless Hosts= says more. */
#ifndef HTTPSERVER_HOSTS_H
#define HTTPSERVER_HOSTS_H

#include "settings.h"

/* One that Hosts= may list: "example.org", "*.example.org" for all below it, "*". */
bool hosts_is_pattern(const char *text);

/* By what Host says, with or without a port (NULL or empty: there is none), of a request that
 * came over this connection. None, an address, localhost, and all that comes over a Unix socket
 * may. */
bool hosts_allow(const struct settings *settings, int fd, const char *host);

#endif
