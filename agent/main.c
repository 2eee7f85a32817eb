/*
 * vaultferry's entry point: finds the command and runs it. Nothing else lives here, so that everything the program does
 * can be linked into a test.
 */
#include "agent/command.h"

int main(int argc, char **argv)
{
    return command_main(argc, argv);
}
