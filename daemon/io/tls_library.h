/* tls_library.h - GnuTLS, for workers that need it.
 *
 * The library and those it stands on are loaded when a worker first uses TLS, and never
 * unloaded: one that does not has none of their memory. It is the system's libgnutls.so.30,
 * whose functions are called through the table here; the types are those of its header. Loading
 * takes some milliseconds: in a thread. The table is plain memory, for any thread.
 */
#ifndef IO_TLS_LIBRARY_H
#define IO_TLS_LIBRARY_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#define GNUTLS_NAMES(X)                                                                        \
	X(alert_get)                                                                           \
	X(alert_get_name)                                                                      \
	X(alert_send)                                                                          \
	X(alert_send_appropriate)                                                              \
	X(alpn_get_selected_protocol)                                                          \
	X(alpn_set_protocols)                                                                  \
	X(bye)                                                                                 \
	X(certificate_allocate_credentials)                                                    \
	X(certificate_free_credentials)                                                        \
	X(certificate_get_peers)                                                               \
	X(certificate_server_set_request)                                                      \
	X(certificate_set_x509_key_mem2)                                                       \
	X(certificate_set_x509_system_trust)                                                   \
	X(certificate_set_x509_trust_mem)                                                      \
	X(certificate_verification_status_print)                                               \
	X(credentials_set)                                                                     \
	X(deinit)                                                                              \
	X(handshake)                                                                           \
	X(init)                                                                                \
	X(priority_deinit)                                                                     \
	X(priority_init)                                                                       \
	X(priority_set)                                                                        \
	X(protocol_get_name)                                                                   \
	X(protocol_get_version)                                                                \
	X(record_check_pending)                                                                \
	X(record_recv)                                                                         \
	X(record_send)                                                                         \
	X(server_name_set)                                                                     \
	X(session_get_verify_cert_status)                                                      \
	X(session_set_verify_cert2)                                                            \
	X(strerror)                                                                            \
	X(ciphersuite_get)                                                                     \
	X(transport_set_errno)                                                                 \
	X(transport_set_ptr)                                                                   \
	X(transport_set_pull_function)                                                         \
	X(transport_set_pull_timeout_function)                                                 \
	X(transport_set_push_function)                                                         \
	X(x509_crt_deinit)                                                                     \
	X(x509_crt_get_dn3)                                                                    \
	X(x509_crt_import)                                                                     \
	X(x509_crt_init)

struct tls_library {
#define GNUTLS_MEMBER(name) __typeof__(gnutls_##name) *name;
	GNUTLS_NAMES(GNUTLS_MEMBER)
#undef GNUTLS_MEMBER
	gnutls_free_function *free; /* of texts that it gives */
	gnutls_priority_t priority; /* of all sessions */
};

/* *ret_library is given: tls_library_free(). -ELIBACC: it is not there, or too old; -ENOMEM. */
int tls_library_load(struct tls_library **ret_library);
/* The table goes; the library stays where it is. NULL is fine. */
void tls_library_free(struct tls_library *library);

#endif
