/* What a program writes, in two pieces: whatever it is, exec-runner makes a text of it, which
 * is UTF-8, and as long as what was kept but for what is replaced. */
#include "actors/exec-runner/output.c"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t most = size ? data[0] * 4u + 1 : 1, half = size / 2;
	const char *bytes = (const char *)data;
	struct output output;
	char *text;

	output_init(&output, most);
	if (output_add(&output, bytes, half) < 0 ||
	    output_add(&output, bytes + half, size - half) < 0)
		abort();
	text = output_text(&output);
	if (!text || !text_is_utf8(text, strlen(text)) ||
	    output.is_truncated != (size > most) || output.size > most ||
	    (!output.is_truncated && text_is_utf8(bytes, size) && !memchr(bytes, '\0', size) &&
	     strlen(text) != size))
		abort();
	free(text);
	output_fini(&output);
	return 0;
}
