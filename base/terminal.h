/* Terminals: system calls only, so that a launch program's interpreter can use it too. Nothing here waits for a
 * terminal's carrier or makes one a controlling terminal by the way. */
#pragma once

enum {
	TERMINAL_RESET = 1 << 0,  /* modes as a login finds them */
	TERMINAL_HANGUP = 1 << 1, /* whoever has it open has it no more */
	TERMINAL_CLEAR = 1 << 2,  /* a virtual console: screen and scrollback are emptied */
};

/* Opens PATH, which must be a terminal (-ENOTTY), for FLAGS of open(2). The caller owns the descriptor. */
int terminal_open(const char *path, int flags);

/* Does what TERMINAL_* say, as far as it can be done: a terminal that is no virtual console has nothing to be
 * cleared. Returns 0 or the first failure. */
int terminal_prepare(const char *path, unsigned what);

/* Sets rows and columns; 0 leaves the one as it is. */
int terminal_set_size(int fd, unsigned short rows, unsigned short columns);
