#include "core/outbox.h"
#include "core/page.h"
#include "core/slice.h"

/* What a mail in the queue counts for. */
static size_t bytes_of(const struct mail *mail)
{
	return mail->kind == MAIL_END ? 0 : message_head(mail->kind) + mail->size;
}

void outbox_push(struct runtime *runtime, struct mail *mail)
{
	struct client_outbox *outbox = &runtime->outbox;

	mail->next = NULL;
	if (outbox->first)
		outbox->last->next = mail;
	else
		outbox->first = mail;
	outbox->last = mail;
	outbox->bytes += bytes_of(mail);
	runtime->pause = true;
	page_store(&runtime->slice.look_at, 0); /* it is handed out before the next handler */
	if (outbox_is_full(runtime))
		slice_cut(runtime);
}

struct mail *outbox_pop(struct runtime *runtime)
{
	struct mail *mail = runtime->outbox.first;

	runtime->outbox.first = mail->next;
	runtime->outbox.bytes -= bytes_of(mail);
	return mail;
}
