#include "io/tls.h"

#include "core/pause.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OUTPUT_BYTES (256u << 10) /* a flight with a long chain of certificates */
#define RECORD_BYTES (16u << 10)

/* A step, on the loop's stack. */
struct step {
	struct tls *tls;
	void *buffer;
	const void *data;
	size_t size;
	off_t offset;
	int fd;
	ssize_t result;
};

static ssize_t take_step(struct runtime *runtime, struct step *step, void (*run)(void *step))
{
	step->tls->kernel_error = 0;
	if (runtime->running)
		pause_outside(&runtime->running->self, run, step);
	else
		run(step);
	return step->result;
}

/* ------------------------------------------------------------------ the kernel's side */

static ssize_t refuse(struct tls *tls, int error)
{
	if (error != EAGAIN)
		tls->kernel_error = -error;
	tls->keys->library->transport_set_errno(tls->session, error == EAGAIN ? EAGAIN : EIO);
	return -1;
}

static ssize_t pull(gnutls_transport_ptr_t context, void *buffer, size_t size)
{
	struct tls *tls = context;
	ssize_t n = port_take(tls->port, tls->is_whole, buffer, size);

	if (n < 0)
		return refuse(tls, (int)-n);
	tls->has_hung_up = n == 0;
	return n;
}

/* Nothing is waited for by GnuTLS: let it try. */
static int has_come(gnutls_transport_ptr_t context, unsigned ms)
{
	(void)context;
	(void)ms;
	return 1;
}

/* All of it, always: what the kernel has no room for waits. */
static ssize_t push(gnutls_transport_ptr_t context, const void *data, size_t size)
{
	struct tls *tls = context;
	size_t done = 0;

	if (tls->has_said_end || tls->unwritable)
		return (ssize_t)size; /* nobody listens any more */
	if (buffer_size(&tls->output) == 0) {
		ssize_t n = port_give(tls->port, true, data, size);

		if (!tls->is_agreed && (n == -EPIPE || n == -ECONNRESET)) {
			tls->unwritable = (int)n;
			return (ssize_t)size; /* why is in what has come */
		}
		if (n < 0 && n != -EAGAIN)
			return refuse(tls, (int)-n);
		done = n > 0 ? (size_t)n : 0;
	}
	if (done < size &&
	    buffer_append(&tls->output, (const char *)data + done, size - done) < 0)
		return refuse(tls, ENOMEM);
	return (ssize_t)size;
}

int tls_flush(struct tls *tls)
{
	while (buffer_size(&tls->output) > 0) {
		ssize_t n = port_give(tls->port, true, buffer_data(&tls->output),
				      buffer_size(&tls->output));

		if (n < 0 && n != -EAGAIN)
			tls->unwritable = (int)n;
		if (n < 0)
			return (int)n;
		buffer_eat(&tls->output, (size_t)n);
	}
	if (tls->output.memory) {
		buffer_fini(&tls->output);
		buffer_init(&tls->output, OUTPUT_BYTES);
	}
	return 0;
}

/* ------------------------------------------------------------------ lives */

int tls_new(struct port *port, bool is_whole, struct keys *keys, const char *name,
	    struct tls **ret_tls)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	size_t size = name ? strlen(name) : 0;

	if (!tls) {
		keys_unref(keys);
		return -ENOMEM;
	}
	if (size > 1 && name[size - 1] == '.')
		size--; /* of a name that is complete; certificates have none */
	if (name)
		memcpy(tls->name, name, size);
	tls->port = port;
	tls->is_whole = is_whole;
	tls->keys = keys;
	tls->is_server = !name;
	buffer_init(&tls->output, OUTPUT_BYTES);
	*ret_tls = tls;
	return 0;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	if (tls->session)
		tls->keys->library->deinit(tls->session);
	buffer_fini(&tls->output);
	keys_unref(tls->keys);
	free(tls);
}

void tls_break(struct tls *tls)
{
	tls->broken = -EPROTO;
}

/* ------------------------------------------------------------------ agreeing on it */

static bool is_address(const char *name)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, name, address) == 1 ||
	       inet_pton(AF_INET6, name, address) == 1;
}

/* What the other side has to prove. */
static void demand(struct tls *tls)
{
	const struct tls_library *library = tls->keys->library;
	const char *purpose =
		tls->is_server ? GNUTLS_KP_TLS_WWW_CLIENT : GNUTLS_KP_TLS_WWW_SERVER;

	tls->wanted[0].type = GNUTLS_DT_KEY_PURPOSE_OID;
	tls->wanted[0].data = (unsigned char *)(uintptr_t)purpose;
	tls->wanted[1].type = GNUTLS_DT_DNS_HOSTNAME;
	tls->wanted[1].data = (unsigned char *)tls->name;
	if (!tls->is_server) {
		library->session_set_verify_cert2(tls->session, tls->wanted, 2, 0);
	} else if (tls->keys->asks_clients) {
		library->certificate_server_set_request(tls->session, GNUTLS_CERT_REQUIRE);
		library->session_set_verify_cert2(tls->session, tls->wanted, 1, 0);
	}
}

static int configure(struct tls *tls)
{
	const struct tls_library *library = tls->keys->library;
	const struct keys *keys = tls->keys;
	int code = library->priority_set(tls->session, library->priority);

	if (code == 0)
		code = library->credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE,
						keys->credentials);
	if (code == 0 && keys->n_alpn > 0)
		code = library->alpn_set_protocols(tls->session, keys->alpn, keys->n_alpn,
						   GNUTLS_ALPN_MANDATORY |
							   GNUTLS_ALPN_SERVER_PRECEDENCE);
	if (code == 0 && !tls->is_server && !is_address(tls->name))
		code = library->server_name_set(tls->session, GNUTLS_NAME_DNS, tls->name,
						strlen(tls->name));
	if (code < 0)
		return code;
	demand(tls);
	library->transport_set_ptr(tls->session, tls);
	library->transport_set_push_function(tls->session, push);
	library->transport_set_pull_function(tls->session, pull);
	library->transport_set_pull_timeout_function(tls->session, has_come);
	return 0;
}

static bool is_of_end(const struct tls *tls, int code)
{
	return code == GNUTLS_E_PREMATURE_TERMINATION ||
	       (code == GNUTLS_E_UNEXPECTED_PACKET_LENGTH && tls->has_hung_up);
}

/* Tell the other side why, if it is there. What the kernel says to that is no reason. */
static void send_alert(struct tls *tls, int code)
{
	if (tls->kernel_error || is_of_end(tls, code))
		return;
	(void)tls->keys->library->alert_send_appropriate(tls->session, code);
	tls->kernel_error = 0;
}

static void run_shake(void *context)
{
	struct step *step = context;
	struct tls *tls = step->tls;
	const struct tls_library *library = tls->keys->library;
	int code = 0;

	if (!tls->session) {
		code = library->init(&tls->session,
				     (tls->is_server ? GNUTLS_SERVER : GNUTLS_CLIENT) |
					     GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL |
					     GNUTLS_NO_TICKETS);
		if (code == 0)
			code = configure(tls);
	}
	if (code == 0)
		code = library->handshake(tls->session);
	if (code == GNUTLS_E_WARNING_ALERT_RECEIVED || code == GNUTLS_E_INTERRUPTED)
		code = GNUTLS_E_AGAIN;
	if (code < 0 && code != GNUTLS_E_AGAIN && tls->session)
		send_alert(tls, code);
	step->result = code;
}

/* ------------------------------------------------------------------ why it failed */

static bool is_of_certificate(int code)
{
	return code == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR ||
	       code == GNUTLS_E_CERTIFICATE_ERROR || code == GNUTLS_E_NO_CERTIFICATE_FOUND ||
	       code == GNUTLS_E_CERTIFICATE_REQUIRED;
}

static int result_of(const struct tls *tls, int code)
{
	if (tls->kernel_error)
		return tls->kernel_error;
	if (code == GNUTLS_E_MEMORY_ERROR)
		return -ENOMEM;
	if (is_of_certificate(code))
		return -EKEYREJECTED;
	return is_of_end(tls, code) ? -ECONNRESET : -EPROTO;
}

/* "The certificate is NOT trusted. The certificate has expired." */
static void describe_certificate(const struct tls *tls, int code, char *reason)
{
	const struct tls_library *library = tls->keys->library;
	gnutls_datum_t text = {0};

	if (code == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
		(void)library->certificate_verification_status_print(
			library->session_get_verify_cert_status(tls->session), GNUTLS_CRT_X509,
			&text, 0);
	snprintf(reason, KEYS_REASON, "%s",
		 text.data ? (const char *)text.data : library->strerror(code));
	(*library->free)(text.data);
	/* it ends its sentences with a space */
	for (size_t size = strlen(reason); size > 0 && reason[size - 1] == ' '; size--)
		reason[size - 1] = '\0';
}

static void describe(const struct tls *tls, int code, char *reason)
{
	const struct tls_library *library = tls->keys->library;

	if (tls->kernel_error)
		snprintf(reason, KEYS_REASON, "%s", strerrordesc_np(-tls->kernel_error));
	else if (is_of_certificate(code))
		describe_certificate(tls, code, reason);
	else if (is_of_end(tls, code))
		snprintf(reason, KEYS_REASON, "The other side has hung up.");
	else if (code == GNUTLS_E_FATAL_ALERT_RECEIVED)
		snprintf(reason, KEYS_REASON, "The other side refuses: %s.",
			 library->alert_get_name(library->alert_get(tls->session)));
	else
		snprintf(reason, KEYS_REASON, "%s", library->strerror(code));
}

/* It stays what it was at first. */
static int broken_by(struct tls *tls, int code)
{
	if (!tls->broken)
		tls->broken = result_of(tls, code);
	return tls->broken;
}

int tls_shake(struct runtime *runtime, struct tls *tls, char ret_reason[KEYS_REASON])
{
	struct step step = {.tls = tls};
	int code = (int)take_step(runtime, &step, run_shake), rc;

	if (code == GNUTLS_E_AGAIN)
		return -EAGAIN;
	if (code == 0) {
		tls->is_agreed = true;
		return 0;
	}
	rc = result_of(tls, code);
	describe(tls, code, ret_reason);
	tls_break(tls);
	return rc;
}

/* ------------------------------------------------------------------ reading */

/* TLS 1.2 only; each answer takes room, which whoever asks too often does not get. */
static void refuse_another_agreement(struct tls *tls)
{
	if (buffer_size(&tls->output) == 0)
		(void)tls->keys->library->alert_send(tls->session, GNUTLS_AL_WARNING,
						     GNUTLS_A_NO_RENEGOTIATION);
}

static void run_read(void *context)
{
	struct step *step = context;
	struct tls *tls = step->tls;
	const struct tls_library *library = tls->keys->library;
	ssize_t n = library->record_recv(tls->session, step->buffer, step->size);

	if (n == GNUTLS_E_REHANDSHAKE)
		refuse_another_agreement(tls);
	if (n == GNUTLS_E_REHANDSHAKE || n == GNUTLS_E_INTERRUPTED ||
	    n == GNUTLS_E_WARNING_ALERT_RECEIVED)
		n = GNUTLS_E_AGAIN;
	if (n < 0 && n != GNUTLS_E_AGAIN)
		send_alert(tls, (int)n);
	step->result = n;
}

ssize_t tls_read(struct runtime *runtime, struct tls *tls, void *buffer, size_t size)
{
	struct step step = {.tls = tls, .buffer = buffer, .size = size};
	ssize_t n = take_step(runtime, &step, run_read);

	if (n == 0)
		tls->has_ended = true;
	if (n >= 0)
		return n;
	return n == GNUTLS_E_AGAIN ? -EAGAIN : broken_by(tls, (int)n);
}

bool tls_has_input(const struct tls *tls)
{
	return tls->has_ended || tls->keys->library->record_check_pending(tls->session) > 0;
}

/* ------------------------------------------------------------------ writing */

static void run_write(void *context)
{
	struct step *step = context;

	step->result = step->tls->keys->library->record_send(step->tls->session, step->data,
							     step->size);
}

static ssize_t written(struct tls *tls, ssize_t n)
{
	if (n >= 0)
		return n;
	if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
		return -EAGAIN;
	if (!tls->kernel_error)
		return broken_by(tls, (int)n);
	tls->unwritable = tls->kernel_error;
	return tls->unwritable;
}

ssize_t tls_write(struct runtime *runtime, struct tls *tls, const void *data, size_t size)
{
	struct step step = {.tls = tls, .data = data, .size = size};
	int rc = tls_flush(tls);

	if (rc < 0 || size == 0)
		return rc;
	return written(tls, take_step(runtime, &step, run_write));
}

/* A record of the file, by the loop's stack; its error as GnuTLS's are not. */
static void run_write_file(void *context)
{
	struct step *step = context;
	char piece[RECORD_BYTES];
	ssize_t n;

	do
		n = pread(step->fd, piece,
			  step->size < sizeof(piece) ? step->size : sizeof(piece),
			  step->offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		step->tls->kernel_error = -errno;
	step->result = 0;
	if (n <= 0)
		return;
	step->data = piece;
	step->size = (size_t)n;
	run_write(step);
}

ssize_t tls_write_file(struct runtime *runtime, struct tls *tls, int fd, off_t offset,
		       size_t size)
{
	struct step step = {.tls = tls, .fd = fd, .offset = offset, .size = size};
	int rc = tls_flush(tls);
	ssize_t n;

	if (rc < 0)
		return rc;
	n = take_step(runtime, &step, run_write_file);
	/* that of the file breaks nothing */
	return n == 0 && tls->kernel_error ? tls->kernel_error : written(tls, n);
}

/* ------------------------------------------------------------------ the end of it */

static void run_end(void *context)
{
	struct step *step = context;

	step->result = step->tls->keys->library->bye(step->tls->session, GNUTLS_SHUT_WR);
}

int tls_end(struct runtime *runtime, struct tls *tls)
{
	struct step step = {.tls = tls};

	if (!tls->has_said_end) {
		ssize_t n = written(tls, take_step(runtime, &step, run_end));

		if (n < 0)
			return (int)n;
		tls->has_said_end = true;
	}
	return tls_flush(tls);
}

/* ------------------------------------------------------------------ what was agreed on */

void tls_mark_place(char *place)
{
	if (strncmp(place, "tcp:", 4) == 0)
		memcpy(place, "tls:", 4);
}

static void copy_text(char *to, size_t size, const char *text)
{
	snprintf(to, size, "%s", text ? text : "");
}

static void name_peer(const struct tls *tls, char *name)
{
	const struct tls_library *library = tls->keys->library;
	unsigned n = 0;
	const gnutls_datum_t *chain = library->certificate_get_peers(tls->session, &n);
	gnutls_x509_crt_t certificate;
	gnutls_datum_t text = {0};

	if (n == 0 || library->x509_crt_init(&certificate) < 0)
		return;
	if (library->x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) == 0 &&
	    library->x509_crt_get_dn3(certificate, &text, 0) == 0)
		copy_text(name, TROUPE_PEER_MAX, (const char *)text.data);
	(*library->free)(text.data);
	library->x509_crt_deinit(certificate);
}

static void run_info(void *context)
{
	const struct step *step = context;
	struct troupe_tls_info *info = step->buffer;
	const struct tls *tls = step->tls;
	const struct tls_library *library = tls->keys->library;
	gnutls_datum_t alpn;

	copy_text(info->version, sizeof(info->version),
		  library->protocol_get_name(library->protocol_get_version(tls->session)));
	copy_text(info->cipher, sizeof(info->cipher), library->ciphersuite_get(tls->session));
	if (library->alpn_get_selected_protocol(tls->session, &alpn) == 0)
		snprintf(info->alpn, sizeof(info->alpn), "%.*s", (int)alpn.size,
			 (const char *)alpn.data);
	name_peer(tls, info->peer);
}

void tls_inform(struct runtime *runtime, struct tls *tls, struct troupe_tls_info *ret_info)
{
	struct step step = {.tls = tls, .buffer = ret_info};

	memset(ret_info, 0, sizeof(*ret_info));
	(void)take_step(runtime, &step, run_info);
}
