#include "sigv4/writer.h"

#include <string.h>

void sigv4_writer_init(struct sigv4_writer *writer, char *at, size_t size)
{
    *writer = (struct sigv4_writer){ .at = at, .size = size };
}

char *sigv4_writer_take(struct sigv4_writer *writer, size_t length)
{
    if (writer->overflow || length > writer->size - writer->used) {
        writer->overflow = true;
        return NULL;
    }
    char *place = writer->at + writer->used;
    writer->used += length;
    return place;
}

void sigv4_writer_add(struct sigv4_writer *writer, const char *bytes, size_t length)
{
    if (length == 0)
        return;
    char *place = sigv4_writer_take(writer, length);
    if (place)
        memcpy(place, bytes, length);
}

void sigv4_writer_text(struct sigv4_writer *writer, const char *text)
{
    sigv4_writer_add(writer, text, strlen(text));
}

bool sigv4_writer_end(struct sigv4_writer *writer)
{
    if (writer->overflow || writer->used == writer->size)
        return false;
    writer->at[writer->used] = '\0';
    return true;
}
