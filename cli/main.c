/* svcctl: the command line of svcd. Options first, then a verb from one table; each verb is a function in the
 * file it is named after. */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

struct main_verb {
	const char *name;
	int (*run)(struct cli *cli, char **arguments);
	unsigned at_least, at_most; /* arguments */
	bool alone;		    /* needs no manager */
	const char *arguments, *help;
};

#define MAIN_ANY 100000

static const struct main_verb main_verbs[] = {
	{"list-units", list_verb_units, 0, MAIN_ANY, false, "[PATTERN…]", "list units in memory"},
	{"list-unit-files", list_verb_unit_files, 0, MAIN_ANY, false, "[PATTERN…]",
	 "list installed unit files"},
	{"list-jobs", list_verb_jobs, 0, 0, false, "", "list jobs that wait or run"},
	{"list-dependencies", list_verb_dependencies, 1, MAIN_ANY, false, "UNIT…",
	 "show what starting a unit pulls in"},
	{"status", status_verb, 0, MAIN_ANY, false, "[UNIT…]",
	 "show state, processes, isolation and last log lines"},
	{"show", show_verb, 0, MAIN_ANY, false, "[UNIT…]", "show properties"},
	{"cat", show_verb_cat, 1, MAIN_ANY, false, "UNIT…", "show unit files and drop-ins"},
	{"explain", explain_verb, 1, MAIN_ANY, false, "UNIT…",
	 "show every step of a start and the line that asked for it"},
	{"security", security_verb, 0, MAIN_ANY, false, "[UNIT…]", "show what a service leaves exposed"},
	{"logs", logs_verb, 1, MAIN_ANY, false, "UNIT…", "show what a unit printed"},
	{"is-active", state_verb_is_active, 1, MAIN_ANY, false, "UNIT…", "tell whether units are active"},
	{"is-failed", state_verb_is_failed, 1, MAIN_ANY, false, "UNIT…", "tell whether units have failed"},
	{"is-enabled", state_verb_is_enabled, 1, MAIN_ANY, false, "UNIT…",
	 "tell whether unit files are enabled"},
	{"is-system-running", state_verb_is_system_running, 0, 0, false, "", "tell the state of the whole"},
	{"start", jobs_verb_start, 1, MAIN_ANY, false, "UNIT…", "start units"},
	{"stop", jobs_verb_stop, 1, MAIN_ANY, false, "UNIT…", "stop units"},
	{"restart", jobs_verb_restart, 1, MAIN_ANY, false, "UNIT…", "stop and start units"},
	{"try-restart", jobs_verb_try_restart, 1, MAIN_ANY, false, "UNIT…", "restart units that are active"},
	{"reload", jobs_verb_reload, 1, MAIN_ANY, false, "UNIT…",
	 "let services read their configuration again"},
	{"reload-or-restart", jobs_verb_reload_or_restart, 1, MAIN_ANY, false, "UNIT…",
	 "reload where possible, else restart"},
	{"try-reload-or-restart", jobs_verb_try_reload_or_restart, 1, MAIN_ANY, false, "UNIT…",
	 "as that, if active"},
	{"kill", manage_verb_kill, 1, MAIN_ANY, false, "UNIT…", "send a signal to a unit's processes"},
	{"top", top_verb, 0, 0, false, "", "show what each unit uses, live"},
	{"set-property", manage_verb_set_property, 2, MAIN_ANY, false, "UNIT NAME=VALUE…",
	 "change limits of a unit, also while it runs"},
	{"freeze", manage_verb_freeze, 1, MAIN_ANY, false, "UNIT…", "stop a unit's processes where they are"},
	{"thaw", manage_verb_thaw, 1, MAIN_ANY, false, "UNIT…", "let frozen units go on"},
	{"clean", manage_verb_clean, 1, MAIN_ANY, false, "UNIT…", "remove directories of inactive units"},
	{"reset-failed", manage_verb_reset_failed, 0, MAIN_ANY, false, "[UNIT…]", "forget failures"},
	{"cancel", manage_verb_cancel, 1, MAIN_ANY, false, "JOB…", "cancel jobs"},
	{"exec", exec_verb, 2, MAIN_ANY, false, "UNIT -- CMD…", "run a command inside a running service"},
	{"shell", exec_verb_shell, 1, MAIN_ANY, false, "UNIT [CMD…]",
	 "the user's shell, or a command, inside a running service, on a terminal"},
	{"verify", verify_verb, 1, MAIN_ANY, true, "FILE…", "check unit files without a manager"},
	{"daemon-reload", manage_verb_daemon_reload, 0, 0, false, "", "read all unit files again"},
	{"exit", manage_verb_exit, 0, 1, false, "[CODE]", "stop everything and end svc-init"},
	{"shutdown", manage_verb_exit, 0, 1, false, "[CODE]", "the same"},
	{"poweroff", manage_verb_power_off, 0, 0, false, "", "stop everything and power off"},
	{"reboot", manage_verb_reboot, 0, 0, false, "", "stop everything and reboot"},
	{"halt", manage_verb_halt, 0, 0, false, "", "stop everything and halt"},
};

static void main_help(void)
{
	puts("svcctl [OPTION…] VERB …\n\nControls svcd, the service manager whose services are containers.\n");
	for (size_t i = 0; i < ARRAY_SIZE(main_verbs); i++) {
		char left[64];

		snprintf(left, sizeof left, "%s %s", main_verbs[i].name, main_verbs[i].arguments);
		/* "…" is three bytes and one column */
		printf("  %-*s %s\n", 32 + (strstr(left, "…") ? 2 : 0), left, main_verbs[i].help);
	}
	puts("\n  -a, --all                show inactive units and empty properties too\n"
	     "  -t, --type=TYPE[,…]      units of this type\n"
	     "      --state=STATE[,…]    units in this state; --failed is --state=failed\n"
	     "  -p, --property=NAME[,…]  show these properties; -P NAME also sets --value\n"
	     "      --value              show values only\n"
	     "      --json               print JSON\n"
	     "      --no-legend          no headings\n"
	     "  -q, --quiet              no output but the exit status\n"
	     "      --no-block           do not wait for jobs\n"
	     "      --wait               wait until started units have ended\n"
	     "      --job-mode=MODE      replace, fail, isolate, ignore-dependencies, …\n"
	     "  -s, --signal=SIGNAL      for kill\n"
	     "      --kill-whom=WHOM     main, control, all\n"
	     "      --what=SORT[,…]      for clean: runtime, state, cache, logs, configuration, all\n"
	     "  -n, --lines=N            of the log; of top, how often\n"
	     "      --once               top: show one table and end\n"
	     "  -f, --follow             go on with what is logged\n"
	     "  -i, --interactive  -t, --tty  -u, --user=USER[:GROUP]  -w, --workdir=DIR  -e, --env=NAME=VALUE\n"
	     "      --privileged         for exec and shell\n"
	     "      --threshold=N        security fails above N tenths of exposure\n"
	     "      --runtime            set-property: until the machine goes down\n"
	     "      --runtime-dir=DIR    where svcd's socket is (default $" NAMES_RUNTIME_ENVIRONMENT
	     " or " NAMES_DEFAULT_RUNTIME ")\n"
	     "  -h, --help, --version");
}

static int main_append_words(char ***list, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, ",");

		if (length > 0) {
			int r = text_list_take(list, strndup(text, length));

			if (r < 0)
				return r;
		}
		text += length + (text[length] == ',');
	}
	return 0;
}

enum {
	MAIN_STATE = 256,
	MAIN_FAILED,
	MAIN_VALUE,
	MAIN_JSON,
	MAIN_NO_LEGEND,
	MAIN_NO_BLOCK,
	MAIN_WAIT,
	MAIN_JOB_MODE,
	MAIN_KILL_WHOM,
	MAIN_WHAT,
	MAIN_PRIVILEGED,
	MAIN_INTERACTIVE,
	MAIN_TTY,
	MAIN_RUNTIME_DIR,
	MAIN_RUNTIME,
	MAIN_ONCE,
	MAIN_THRESHOLD,
	MAIN_IGNORED,
	MAIN_VERSION,
};

static const struct option main_options[] = {
	{"all", no_argument, NULL, 'a'},
	{"type", required_argument, NULL, 't'},
	{"state", required_argument, NULL, MAIN_STATE},
	{"failed", no_argument, NULL, MAIN_FAILED},
	{"property", required_argument, NULL, 'p'},
	{"value", no_argument, NULL, MAIN_VALUE},
	{"json", no_argument, NULL, MAIN_JSON},
	{"no-legend", no_argument, NULL, MAIN_NO_LEGEND},
	{"quiet", no_argument, NULL, 'q'},
	{"no-block", no_argument, NULL, MAIN_NO_BLOCK},
	{"wait", no_argument, NULL, MAIN_WAIT},
	{"job-mode", required_argument, NULL, MAIN_JOB_MODE},
	{"signal", required_argument, NULL, 's'},
	{"kill-whom", required_argument, NULL, MAIN_KILL_WHOM},
	{"kill-who", required_argument, NULL, MAIN_KILL_WHOM},
	{"what", required_argument, NULL, MAIN_WHAT},
	{"lines", required_argument, NULL, 'n'},
	{"follow", no_argument, NULL, 'f'},
	{"user", required_argument, NULL, 'u'},
	{"workdir", required_argument, NULL, 'w'},
	{"env", required_argument, NULL, 'e'},
	{"privileged", no_argument, NULL, MAIN_PRIVILEGED},
	{"interactive", no_argument, NULL, MAIN_INTERACTIVE},
	{"tty", no_argument, NULL, MAIN_TTY},
	{"runtime", no_argument, NULL, MAIN_RUNTIME},
	{"once", no_argument, NULL, MAIN_ONCE},
	{"runtime-dir", required_argument, NULL, MAIN_RUNTIME_DIR},
	{"threshold", required_argument, NULL, MAIN_THRESHOLD},
	{"no-pager", no_argument, NULL, MAIN_IGNORED},
	{"full", no_argument, NULL, 'l'},
	{"plain", no_argument, NULL, MAIN_IGNORED},
	{"system", no_argument, NULL, MAIN_IGNORED},
	{"version", no_argument, NULL, MAIN_VERSION},
	{"help", no_argument, NULL, 'h'},
	{},
};

static int main_parse_number(const char *option, const char *text, int max, int *ret)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (!*text || *end || number < 0 || number > max) {
		fprintf(stderr, "svcctl: --%s=%s: not a number from 0 to %d\n", option, text, max);
		return -EINVAL;
	}
	*ret = (int)number;
	return 0;
}

/* Options that carry text. Returns 1 when OPTION is none of them. */
static int main_take_text(struct cli *cli, int option, const char *text)
{
	switch (option) {
	case 't':
		return main_append_words(&cli->types, text);
	case MAIN_STATE:
		return main_append_words(&cli->states, text);
	case 'P':
		cli->value = true;
		return main_append_words(&cli->properties, text);
	case 'p':
		return main_append_words(&cli->properties, text);
	case 'e':
		return text_list_append(&cli->environment, text);
	case 'n':
		return main_parse_number("lines", text, 1000000, &cli->lines);
	case MAIN_WHAT:
		return main_append_words(&cli->what, text);
	case MAIN_JOB_MODE:
		cli->job_mode = text;
		return 0;
	case 's':
		cli->signal = text;
		return 0;
	case MAIN_KILL_WHOM:
		cli->kill_whom = text;
		return 0;
	case 'u':
		cli->user = text;
		return 0;
	case 'w':
		cli->directory = text;
		return 0;
	case MAIN_RUNTIME_DIR:
		cli->runtime_directory = text;
		return 0;
	case MAIN_THRESHOLD:
		return main_parse_number("threshold", text, 100, &cli->threshold);
	default:
		return 1;
	}
}

/* Switches. Returns 1 when OPTION is none of them. */
static int main_take_switch(struct cli *cli, int option)
{
	bool *const switches[] = {
		['a'] = &cli->all,
		['q'] = &cli->quiet,
		['f'] = &cli->follow,
		['l'] = &cli->full,
		[MAIN_VALUE] = &cli->value,
		[MAIN_JSON] = &cli->json,
		[MAIN_NO_LEGEND] = &cli->no_legend,
		[MAIN_NO_BLOCK] = &cli->no_block,
		[MAIN_WAIT] = &cli->wait,
		[MAIN_RUNTIME] = &cli->runtime,
		[MAIN_ONCE] = &cli->once,
		[MAIN_PRIVILEGED] = &cli->privileged,
		[MAIN_INTERACTIVE] = &cli->interactive,
		[MAIN_TTY] = &cli->tty,
	};

	if (option == MAIN_IGNORED)
		return 0;
	if (option == MAIN_FAILED)
		return text_list_append(&cli->states, "failed");
	if (option < 0 || option >= (int)ARRAY_SIZE(switches) || !switches[option])
		return 1;
	*switches[option] = true;
	return 0;
}

static const struct main_verb *main_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(main_verbs); i++)
		if (strcmp(main_verbs[i].name, name) == 0)
			return &main_verbs[i];
	return NULL;
}

/* Behind these verbs, -i and -t mean what they mean to podman exec. */
static bool main_enters(char **words)
{
	return words && (strcmp(words[0], "exec") == 0 || strcmp(words[0], "shell") == 0);
}

/* Options may stand anywhere, but not behind the unit of exec: what follows is the command's. Returns 0, or
 * an exit status + 1. */
static int main_parse(struct cli *cli, int argc, char **argv, char ***ret_words)
{
	int option, r = 0;

	while ((option = getopt_long(argc, argv,
				     main_enters(*ret_words) ? "-aitqu:w:e:h" : "-at:p:P:qs:n:fu:w:e:lh",
				     main_options, NULL)) != -1) {
		if (main_enters(*ret_words) && (option == 'i' || option == 't')) {
			*(option == 't' ? &cli->tty : &cli->interactive) = true;
			continue;
		}
		switch (option) {
		case 1:
			r = text_list_append(ret_words, optarg);
			if (r == 0 && text_list_length(*ret_words) == 3 && main_enters(*ret_words))
				goto rest;
			break;
		case 'h':
			main_help();
			return CLI_OK + 1;
		case MAIN_VERSION:
			puts("svcctl " SVCD_VERSION);
			return CLI_OK + 1;
		case '?':
			return CLI_USAGE + 1;
		default:
			r = main_take_text(cli, option, optarg);
			if (r > 0)
				r = main_take_switch(cli, option);
		}
		if (r < 0)
			return (r == -EINVAL ? CLI_USAGE : CLI_FAILED) + 1;
	}
rest:
	for (; r == 0 && optind < argc; optind++)
		r = text_list_append(ret_words, argv[optind]);
	return r < 0 ? CLI_FAILED + 1 : 0;
}

static int main_run(struct cli *cli, char **words)
{
	static char list_units[] = "list-units", *none[] = {list_units, NULL};
	const struct main_verb *verb;
	size_t n;
	int status;

	if (!words)
		words = none;
	verb = main_find(words[0]);
	n = text_list_length(words) - 1;
	if (!verb) {
		fprintf(stderr, "Unknown command verb %s.\n", words[0]);
		return CLI_FAILED;
	}
	if (n < verb->at_least || n > verb->at_most) {
		fprintf(stderr, "%s arguments: svcctl %s %s\n", n < verb->at_least ? "Too few" : "Too many",
			verb->name, verb->arguments);
		return CLI_FAILED;
	}
	status = verb->alone ? CLI_OK : connect_manager(cli);
	return status == CLI_OK ? verb->run(cli, words + 1) : status;
}

int main(int argc, char **argv)
{
	struct cli cli = {.lines = -1, .threshold = -1, .job_mode = "replace"};
	_cleanup_text_list_ char **words = NULL;
	int status;

	setlocale(LC_CTYPE, "");
	cli.colours = isatty(STDOUT_FILENO) && !getenv("NO_COLOR") && !text_equal(getenv("TERM"), "dumb");
	status = main_parse(&cli, argc, argv, &words);
	status = status > 0 ? status - 1 : main_run(&cli, words);
	sd_bus_flush_close_unref(cli.bus);
	text_list_free(cli.types);
	text_list_free(cli.what);
	text_list_free(cli.states);
	text_list_free(cli.properties);
	text_list_free(cli.environment);
	if (fflush(stdout) == EOF && status == CLI_OK)
		status = CLI_FAILED;
	return status;
}
