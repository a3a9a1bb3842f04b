/* embed.c - build tool: writes a file's bytes as a C array. Usage: embed INPUT OUTPUT SYMBOL HEADER */
#include <stdio.h>

static int write_array(FILE *in, FILE *out, const char *symbol, const char *header)
{
	int c;
	size_t n = 0;

	(void)fprintf(
	    out, "/* made by embed.c, not by hand */\n#include \"%s\"\n\nconst char %s[] = {", header, symbol);
	while ((c = getc(in)) != EOF)
		(void)fprintf(out, "%s%d,", n++ % 20 == 0 ? "\n\t" : " ", c < 128 ? c : c - 256);
	(void)fprintf(out, "\n\t0\n};\nconst size_t %s_size = %zu;\n", symbol, n);
	return ferror(in) || ferror(out);
}

int main(int argc, char **argv)
{
	FILE *in, *out;
	int failed;

	if (argc != 5) {
		(void)fprintf(stderr, "usage: embed INPUT OUTPUT SYMBOL HEADER\n");
		return 2;
	}
	in = fopen(argv[1], "rb");
	if (in == NULL) {
		perror(argv[1]);
		return 1;
	}
	out = fopen(argv[2], "wb");
	if (out == NULL) {
		perror(argv[2]);
		(void)fclose(in);
		return 1;
	}
	failed = write_array(in, out, argv[3], argv[4]);
	(void)fclose(in);
	failed |= fclose(out) != 0;
	return failed;
}
