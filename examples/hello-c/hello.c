/* A command in C for WASI preview 1: says one line, with the greeting that its environment gives. */
#include <stdio.h>
#include <stdlib.h>

int main(void) {
  const char *greeting = getenv("GREETING");
  printf("%s from C on this board\n", greeting != NULL ? greeting : "Hello");
  return EXIT_SUCCESS;
}
