/* failable_http_server.c - what stands in for calls of actors/http-server to its libraries that
 * fail when these find no memory. */
#include "tests/failpoints/failpoint.h"

#include <gnutls/crypto.h>
#include <microhttpd.h>
#include <unistd.h>
#if __has_include(<wslay/wslay.h>)
#include <wslay/wslay.h>
#endif

bool failpoint_record(const char *call);

#define FAILABLE(type, name, result, parameters, arguments)                                    \
	type failable_##name parameters;                                                       \
	type failable_##name parameters                                                        \
	{                                                                                      \
		return failpoint_record(#name) ? (result) : name arguments;                    \
	}

FAILABLE(struct MHD_Response *, MHD_create_response_from_buffer, NULL,
	 (size_t size, void *data, enum MHD_ResponseMemoryMode mode), (size, data, mode))
FAILABLE(struct MHD_Response *, MHD_create_response_from_callback, NULL,
	 (uint64_t size, size_t block, MHD_ContentReaderCallback read, void *context,
	  MHD_ContentReaderFreeCallback free),
	 (size, block, read, context, free))
FAILABLE(struct MHD_Response *, MHD_create_response_from_fd_at_offset64, NULL,
	 (uint64_t size, int fd, uint64_t offset), (size, fd, offset))
FAILABLE(struct MHD_Response *, MHD_create_response_for_upgrade, NULL,
	 (MHD_UpgradeHandler handler, void *context), (handler, context))
FAILABLE(enum MHD_Result, MHD_add_response_header, MHD_NO,
	 (struct MHD_Response * response, const char *name, const char *value),
	 (response, name, value))
FAILABLE(enum MHD_Result, MHD_queue_response, MHD_NO,
	 (struct MHD_Connection * connection, unsigned status, struct MHD_Response *response),
	 (connection, status, response))
FAILABLE(int, gnutls_hash_fast, GNUTLS_E_MEMORY_ERROR,
	 (gnutls_digest_algorithm_t algorithm, const void *text, size_t size, void *digest),
	 (algorithm, text, size, digest))

/* Which has closed it then. */
enum MHD_Result failable_MHD_add_connection(struct MHD_Daemon *daemon, MHD_socket fd,
					    const struct sockaddr *address, socklen_t size);
enum MHD_Result failable_MHD_add_connection(struct MHD_Daemon *daemon, MHD_socket fd,
					    const struct sockaddr *address, socklen_t size)
{
	if (!failpoint_record("MHD_add_connection"))
		return MHD_add_connection(daemon, fd, address, size);
	close(fd);
	return MHD_NO;
}

/* Without it there are no WebSockets. */
#if __has_include(<wslay/wslay.h>)
FAILABLE(int, wslay_event_context_server_init, WSLAY_ERR_NOMEM,
	 (wslay_event_context_ptr * ret_context, const struct wslay_event_callbacks *callbacks,
	  void *data),
	 (ret_context, callbacks, data))
FAILABLE(int, wslay_event_queue_msg, WSLAY_ERR_NOMEM,
	 (wslay_event_context_ptr context, const struct wslay_event_msg *message),
	 (context, message))
FAILABLE(int, wslay_event_queue_close, WSLAY_ERR_NOMEM,
	 (wslay_event_context_ptr context, uint16_t status, const uint8_t *reason, size_t size),
	 (context, status, reason, size))
FAILABLE(int, wslay_event_recv, WSLAY_ERR_NOMEM, (wslay_event_context_ptr context), (context))
FAILABLE(int, wslay_event_send, WSLAY_ERR_NOMEM, (wslay_event_context_ptr context), (context))
#endif
