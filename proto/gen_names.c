#include "proto/gen_names.h"

#include <string.h>

/* Words of C and C++ up to C23 and C++20, and names that the compilers or the common headers of
 * Linux define as macros. A blank around each. */
static const char taken_words[] =
	" BUFSIZ EOF I INFINITY NAN NULL alignas alignof and and_eq asm assert auto "
	"bitand bitor bool break case catch char char16_t char32_t char8_t class "
	"co_await co_return co_yield compl complex concept const const_cast consteval "
	"constexpr constinit continue d_fileno decltype default delete do double "
	"dynamic_cast else enum environ errno explicit export extern false float for "
	"friend goto h_addr h_errno i386 if imaginary inline int linux long "
	"math_errhandling mutable namespace new noexcept noreturn not not_eq nullptr "
	"offsetof operator or or_eq private protected public register reinterpret_cast "
	"requires restrict return s6_addr s6_addr16 s6_addr32 sa_handler sa_sigaction "
	"short si_addr si_addr_lsb si_arch si_band si_call_addr si_fd si_int si_lower "
	"si_overrun si_pid si_pkey si_ptr si_status si_stime si_syscall si_timerid "
	"si_uid si_upper si_utime si_value sigev_notify_attributes sigev_notify_function "
	"signed sizeof st_atime st_ctime st_mtime static static_assert static_cast "
	"stderr stdin stdout struct switch template this thread_local throw true try "
	"typedef typeid typename typeof typeof_unqual union unix unsigned using virtual "
	"void volatile wchar_t while xor xor_eq ";

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Whether a capital at `at` begins a word: after a small letter or digit, or as the last
 * capital before a small letter, as the G of HTTPGet does. */
static bool begins_word(const char *name, size_t at)
{
	if (at == 0 || !is_upper(name[at]))
		return false;
	if (is_lower(name[at - 1]) || is_digit(name[at - 1]))
		return true;
	return is_upper(name[at - 1]) && is_lower(name[at + 1]);
}

char *gen_snake(struct arena *arena, const char *name)
{
	char *snake = (char *)arena_alloc(arena, 2 * strlen(name) + 1);
	size_t used = 0;

	if (!snake)
		return NULL;
	for (size_t i = 0; name[i]; i++) {
		if (begins_word(name, i))
			snake[used++] = '_';
		if (is_upper(name[i]))
			snake[used++] = (char)(name[i] - 'A' + 'a');
		else if (is_lower(name[i]) || is_digit(name[i]))
			snake[used++] = name[i];
		else if (used > 0 && snake[used - 1] != '_')
			snake[used++] = '_';
	}
	return snake;
}

char *gen_member(struct arena *arena, const char *name)
{
	char *snake = gen_snake(arena, name);

	return snake && strcmp(snake, "interface") == 0 ? arena_printf(arena, "%s_", snake)
							: snake;
}

char *gen_upper(struct arena *arena, const char *name)
{
	char *upper = arena_copy(arena, name, strlen(name));

	for (char *at = upper; at && *at; at++)
		if (is_lower(*at))
			*at = (char)(*at - 'a' + 'A');
	return upper;
}

const char *gen_safe(struct arena *arena, const char *name)
{
	char *word = arena_printf(arena, " %s ", name);

	if (!word || !strstr(taken_words, word))
		return word ? name : NULL;
	return arena_printf(arena, "%s_", name);
}

bool gen_is_prefix(const char *text)
{
	if (!is_lower(text[0]))
		return false;
	for (; *text; text++)
		if (!is_lower(*text) && !is_digit(*text) && *text != '_')
			return false;
	return true;
}

char *gen_prefix(struct arena *arena, const char *interface)
{
	const char *last = strrchr(interface, '.');
	char *snake = gen_snake(arena, last ? last + 1 : interface);

	if (snake && (is_digit(snake[0]) || strcmp(snake, "troupe") == 0))
		return arena_printf(arena, "x_%s", snake);
	return snake;
}
