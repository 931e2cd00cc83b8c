/* transfer.h - curl's easy handles: set up once, used again, for one request at a time.
 *
 * There are two kinds. Pages are collected: HTTP/2 and compression are in use. Streams are
 * paused when their reader is slow, so that both are off: a paused HTTP/2 stream of curl's has
 * a window of 32 MiB that cannot be made smaller, and what is decompressed while it is paused
 * is kept without a useful bound. With HTTP/1.1 the kernel's socket buffer is all.
 */
#ifndef HTTP_CLIENT_TRANSFER_H
#define HTTP_CLIENT_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

struct client;
struct request;

#define TRANSFERS_IDLE 1024 /* kept of each kind */

struct transfer {
	struct transfer *next; /* while it is idle, or done */
	CURLcode code;         /* when it is done */
	CURL *easy;
	struct client *client;
	struct request *request; /* NULL: idle */
	unsigned lane;           /* that of the request's place */
	bool is_stream;
	bool is_proxied; /* what its handle is set to */
	bool is_get;
	bool was_refused;   /* an address that `deny` holds */
	bool has_permitted; /* another one that it does not hold */
	bool lacked_socket; /* no descriptor */
	uint64_t started_ns;
	int fds[2];       /* sockets that were opened for it last; -1: none */
	uint64_t sent_ns; /* when the request began to be sent; 0: it has not */
	uint64_t last_ns; /* when something came */
	size_t line_cost; /* of all header lines that came; see LINES_MAX */
	char error[CURL_ERROR_SIZE];
};

struct transfers {
	struct transfer *idle[2]; /* pages, streams */
	unsigned n_idle[2];
};

/* When its connection stood, TLS left aside; 0: it does not. */
uint64_t transfer_connected_ns(const struct transfer *transfer);

/* Begin a request's. -ENOMEM. */
int transfer_start(struct client *client, struct request *request);

/* It is done and curl has let go of it, or else it ends now. The request has none then. */
void transfer_release(struct transfer *transfer);
void transfer_abort(struct transfer *transfer);

/* Why it failed, for people: printable ASCII. */
const char *transfer_reason(struct transfer *transfer, CURLcode code);

void transfers_fini(struct transfers *transfers);

#endif
