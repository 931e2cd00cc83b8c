/* no_note.c - a shared object, but nothing of ours. */
int answer(void);

int answer(void)
{
	return 42;
}
