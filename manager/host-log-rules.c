/* Which lines of a service's output its log takes, and at what level: SyslogLevelPrefix=, LogLevelMax=,
 * LogFilterPatterns=, LogRateLimit*=. The patterns are compiled at the first line and again when the unit's files have
 * changed. A unit without such settings has no rules and costs a look at its config. */
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "manager/host-private.h"

struct host_log_rules {
	uint64_t fingerprint; /* of the config that they were made from */
	regex_t *patterns;
	size_t n_patterns;
	uint64_t denies; /* bit per pattern: a line may not match it */
	bool any_allows;
	usec_t window_begin; /* monotonic */
	unsigned n_taken, n_dropped;
};

void host_log_rules_free(struct host_log_rules *rules)
{
	if (!rules)
		return;
	for (size_t i = 0; i < rules->n_patterns; i++)
		regfree(&rules->patterns[i]);
	free(rules->patterns);
	free(rules);
}

/* The patterns have been compiled before, when the unit was read: one that cannot be now is left out. */
static void host_log_rules_compile(struct host_log_rules *rules, char *const *patterns)
{
	size_t n = text_list_length((char **)patterns);

	rules->patterns = calloc(n, sizeof *rules->patterns);
	for (size_t i = 0; i < n && rules->patterns; i++) {
		bool denies = *patterns[i] == '~';

		if (regcomp(&rules->patterns[rules->n_patterns], patterns[i] + denies,
			    REG_EXTENDED | REG_NOSUB))
			continue;
		if (denies)
			rules->denies |= UINT64_C(1) << rules->n_patterns;
		else
			rules->any_allows = true;
		rules->n_patterns++;
	}
}

static struct host_log_rules *host_log_rules_get(struct host_unit *unit, const struct unit_config *config)
{
	struct host_log_rules *rules = unit->log_rules;

	if (rules && rules->fingerprint == config->fingerprint)
		return rules;
	rules = calloc(1, sizeof *rules);
	if (!rules)
		return NULL;
	rules->fingerprint = config->fingerprint;
	host_log_rules_compile(rules, config->log->patterns);
	host_log_rules_free(unit->log_rules);
	unit->log_rules = rules;
	return rules;
}

static bool host_log_rules_match(const struct host_log_rules *rules, const char *text, size_t length)
{
	regmatch_t range = {.rm_so = 0, .rm_eo = (regoff_t)length};
	bool allowed = !rules->any_allows;

	for (size_t i = 0; i < rules->n_patterns; i++) {
		bool denies = rules->denies >> i & 1;

		if ((allowed && !denies) || regexec(&rules->patterns[i], text, 1, &range, REG_STARTEND) != 0)
			continue;
		if (denies)
			return false;
		allowed = true;
	}
	return allowed;
}

static bool host_log_rules_in_rate(struct host_unit *unit, struct host_log_rules *rules,
				   const struct unit_log *log)
{
	usec_t now = time_now(CLOCK_MONOTONIC);

	if (log->rate_interval == 0 || log->rate_burst == 0)
		return true;
	if (now - rules->window_begin >= log->rate_interval) {
		unsigned dropped = rules->n_dropped;

		rules->window_begin = now;
		rules->n_taken = rules->n_dropped = 0;
		if (dropped > 0) {
			char text[64];
			int n = snprintf(text, sizeof text,
					 "%u lines were dropped: LogRateLimitBurst=", dropped);

			host_log_line(unit, log, LOG_WARNING, 0, text, (size_t)n);
		}
	}
	if (rules->n_taken < log->rate_burst)
		return ++rules->n_taken;
	rules->n_dropped++;
	return false;
}

const struct unit_log *host_log_settings(const struct host_unit *unit, const struct unit_config **ret_config)
{
	const struct unit *of =
		unit->host->manager ? manager_get_unit(unit->host->manager, unit->name) : NULL;

	*ret_config = of ? of->config : NULL;
	return of ? unit_config_log(of->config) : &unit_log_default;
}

/* sd-daemon(3): "<3>". A facility in it is not for the service to choose. */
static int host_log_take_prefix(const char **text, size_t *length, int level)
{
	const char *c = *text;
	size_t n = 1;
	int number = 0;

	if (*length < 3 || *c != '<')
		return level;
	while (n < *length && n < 5 && c[n] >= '0' && c[n] <= '9')
		number = number * 10 + (c[n++] - '0');
	if (n == 1 || n == *length || c[n] != '>')
		return level;
	*text += n + 1;
	*length -= n + 1;
	return number & LOG_PRIMASK;
}

bool host_log_admit(struct host_unit *unit, int *ret_level, const char **text, size_t *length,
		    const struct unit_log **ret_log)
{
	const struct unit_config *config;
	const struct unit_log *log = host_log_settings(unit, &config);
	struct host_log_rules *rules;

	*ret_log = log;
	*ret_level = log->level_prefix ? host_log_take_prefix(text, length, log->level) : log->level;
	if (log->level_max >= 0 && *ret_level > log->level_max)
		return false;
	if (!log->patterns && log->rate_burst == 0)
		return true;
	rules = host_log_rules_get(unit, config);
	return !rules ||
	       (host_log_rules_match(rules, *text, *length) && host_log_rules_in_rate(unit, rules, log));
}
