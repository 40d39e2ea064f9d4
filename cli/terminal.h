/* The other end of a command's pseudo terminal: what is typed goes there, what comes from there is printed. Our own
 * terminal is raw meanwhile and gets its modes back in any case. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct terminal;

/* INPUT: what we read is passed on. */
int terminal_new(bool input, struct terminal **ret);
struct terminal *terminal_free(struct terminal *terminal);
static inline void terminal_freep(struct terminal **terminal)
{
	terminal_free(*terminal);
}

/* The socket that is to get the master; still the terminal's. */
int terminal_socket(const struct terminal *terminal);
/* Of the terminal we stand on; unchanged when there is none. */
void terminal_size(uint16_t *rows, uint16_t *columns);
/* Begins to pass on once the master has come. */
int terminal_attach(struct terminal *terminal, sd_event *event);
/* The command has ended: prints what is left and restores our own. */
void terminal_end(struct terminal *terminal);
