/* The reader: what is a line, which number it has, what is no unit file. And the words of a value. */
#include <errno.h>

#include "base/text.h"
#include "units/reader.h"
#include "units/word.h"
#include "test.h"

static int collect(void *data, const struct reader_line *line, struct failure *failure _unused_)
{
	struct text_buffer *buffer = data;

	if (line->key && strcmp(line->key, "Stop") == 0)
		return -ECANCELED;
	if (line->key)
		text_buffer_append(buffer, "%u:%s.%s=%s\n", line->line, line->section, line->key,
				   line->value);
	else
		text_buffer_append(buffer, "%u:[%s]\n", line->line, line->section);
	return 0;
}

static char result[8192];
static struct failure failure;
static uint32_t failed_line;

static int read_bytes(const char *text, size_t length)
{
	struct text_buffer buffer = {};
	char *collected;
	int r;

	failure = (struct failure){};
	r = reader_parse(text, length, collect, &buffer, &failed_line, &failure);
	collected = text_buffer_finish(&buffer);
	snprintf(result, sizeof result, "%s", collected);
	free(collected);
	return r;
}

static int read_text(const char *text)
{
	return read_bytes(text, strlen(text));
}

TEST(sections_and_settings_with_their_lines)
{
	EXPECT(read_text("# comment\n\n[Unit]\nA=1\n  B = two words  \n; comment\n[Service]\nC=\n") == 0);
	EXPECT_TEXT(result, "3:[Unit]\n4:Unit.A=1\n5:Unit.B=two words\n7:[Service]\n8:Service.C=\n");
}

TEST(continuation_lines_are_joined_and_counted)
{
	EXPECT(read_text("[S]\nA=one \\\n# not part of it\n  two \\\n; nor this\n\tthree\nB=4\n") == 0);
	EXPECT_TEXT(result, "1:[S]\n2:S.A=one    two  \tthree\n7:S.B=4\n");
}

TEST(an_empty_line_ends_a_continuation)
{
	EXPECT(read_text("[S]\nA=one \\\n\nB=2\n") == 0);
	EXPECT_TEXT(result, "1:[S]\n2:S.A=one\n4:S.B=2\n");
}

TEST(escaped_backslash_at_the_end_is_no_continuation)
{
	EXPECT(read_text("[S]\nA=one\\\\\nB=2\n") == 0);
	EXPECT_TEXT(result, "1:[S]\n2:S.A=one\\\\\n3:S.B=2\n");
}

TEST(nothing_is_a_comment_inside_a_value)
{
	EXPECT(read_text("[S]\nA=x ; y # z\nB=a=b:c\n") == 0);
	EXPECT_TEXT(result, "1:[S]\n2:S.A=x ; y # z\n3:S.B=a=b:c\n");
}

TEST(indented_lines_are_lines)
{
	EXPECT(read_text("[S]\nA=1\n  B=2\n\t[T]\n") == 0);
	EXPECT_TEXT(result, "1:[S]\n2:S.A=1\n3:S.B=2\n4:[T]\n");
}

TEST(line_ends_of_other_systems_and_byte_order_mark)
{
	EXPECT(read_text("\xef\xbb\xbf[S]\r\nA=1\\\r\n2\r\nB=3") == 0);
	EXPECT_TEXT(result, "1:[S]\n2:S.A=1 2\n4:S.B=3\n");
}

TEST(a_continuation_may_end_with_the_file)
{
	EXPECT(read_text("[S]\nA=1\\") == 0);
	EXPECT_TEXT(result, "1:[S]\n2:S.A=1\n");
}

TEST(what_is_no_line)
{
	static const struct {
		const char *text;
		uint32_t line;
	} bad[] = {
		{"[S]\nnothing\n", 2},
		{"[S]\n=1\n", 2},
		{"[S]\nA: 1\n", 2},
		{"[S]\nA: 1=2\n", 2},
		{"[S]\nA B=1\n", 2},
		{"[S\n", 1},
		{"[S] A=1\n", 1},
		{"[]\n", 1},
		{"[0123456789012345678901234567890123456789012345678901234567890]\n", 1},
		{"[S]\nA=1\n\nB=\xff\n", 4},
		{"[S]\nA=\xc0\x80\n", 2},
		{"[S]\nA=\xed\xa0\x80\n", 2},
		{"[S]\nA=1 \\\n\x01\n", 2},
		{"[S]\nA=a\rb\n", 2},
		{"[S]\n# \x80\n", 2},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT(read_text(bad[i].text) == -EINVAL);
		EXPECT(failed_line == bad[i].line);
		EXPECT(failure.text[0]);
	}
	EXPECT(read_bytes("[S]\nA=\0b\n", 9) == -EINVAL && failed_line == 2);
	EXPECT_TEXT(failure.text, "the line contains a NUL byte");
}

TEST(long_lines_are_whole_or_refused)
{
	size_t room = READER_MAX_LINE + 100;
	char *text = malloc(room);

	EXPECT(text);
	for (size_t length = 190; length < READER_MAX_LINE; length = length * 3 + 1) {
		memset(text, 'x', room);
		memcpy(text, "[S]\nA=", 6);
		text[6 + length] = '\n';
		EXPECT(read_bytes(text, 7 + length) == 0);
		EXPECT(strlen(result) == MIN_OF(length + 13, sizeof result - 1));
	}
	memset(text, 'x', room);
	memcpy(text, "[S]\nA=", 6);
	EXPECT(read_bytes(text, room) == -EINVAL && failed_line == 2);
	free(text);
}

TEST(a_handler_ends_the_reading)
{
	EXPECT(read_text("[S]\nA=1\nStop=1\nB=2\n") == -ECANCELED);
	EXPECT(failed_line == 3);
	EXPECT_TEXT(result, "1:[S]\n2:S.A=1\n");
}

static char *words(const char *text, unsigned flags)
{
	struct text_buffer buffer = {};
	char *word;
	int r;

	failure = (struct failure){};
	while ((r = word_next(&text, flags, &word, NULL, &failure)) > 0) {
		text_buffer_append(&buffer, "<%s>", word);
		free(word);
	}
	if (r < 0)
		text_buffer_append(&buffer, "error");
	word = text_buffer_finish(&buffer);
	snprintf(result, sizeof result, "%s", word);
	free(word);
	return result;
}

TEST(words_quotes_and_escapes)
{
	EXPECT_TEXT(words("  a\tbc  d ", 0), "<a><bc><d>");
	EXPECT_TEXT(words("\"a b\" 'c \"d' e\"f g\"h \"\"", 0), "<a b><c \"d><ef gh><>");
	EXPECT_TEXT(words("\\x41\\102\\u00e4\\U0001F600\\sx\\n", 0), "<AB\xc3\xa4\xf0\x9f\x98\x80 x\n>");
	EXPECT_TEXT(words("a\\ b", 0), "error");
	EXPECT_TEXT(words("\\d", 0), "error");
	EXPECT_TEXT(words("\\d\\.x", WORD_RELAXED), "<\\d\\.x>");
	EXPECT_TEXT(words("\\x00", 0), "error");
	EXPECT_TEXT(words("\\ud800", 0), "error");
	EXPECT_TEXT(words("x\\", 0), "error");
	EXPECT_TEXT(words("a 'b", 0), "<a>error");
	EXPECT_TEXT(words("/a:/b::/c d", WORD_COLON), "</a></b></c><d>");
}

TEST(quoted_words_are_read_back)
{
	static const char *const examples[] = {"plain", "", "two words", "a\"b\\c'd", "line\nbreak", ";"};

	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		char *quoted = word_quote(examples[i]), *word;
		const char *cursor = quoted;

		EXPECT(quoted && word_next(&cursor, 0, &word, NULL, NULL) == 1);
		EXPECT_TEXT(word, examples[i]);
		EXPECT(*cursor == '\0');
		free(word);
		free(quoted);
	}
}

TEST_MAIN
