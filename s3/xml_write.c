/* See xml_write.h. */
#include "s3/xml_write.h"

#include <string.h>

bool xml_can_carry(struct s3_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (byte < 0x20 && byte != '\t' && byte != '\n')
            return false;
        if (byte == 0x7f) /* legal, but some servers drop it */
            return false;
        if (byte == 0xef && i + 2 < text.len && (unsigned char)text.ptr[i + 1] == 0xbf &&
                (unsigned char)text.ptr[i + 2] >= 0xbe)
            return false;
    }
    return true;
}

static bool add_escaped(struct s3_buffer *out, struct s3_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        const char *instead = NULL;

        switch (text.ptr[i]) {
        case '&':
            instead = "&amp;";
            break;
        case '<':
            instead = "&lt;";
            break;
        case '>':
            instead = "&gt;";
            break;
        case '"':
            instead = "&quot;";
            break;
        case '\t':
            instead = "&#9;";
            break;
        case '\n':
            instead = "&#10;";
            break;
        default:
            break;
        }
        if (instead != NULL ? !s3_buffer_add_text(out, instead) : !s3_buffer_add(out, &text.ptr[i], 1))
            return false;
    }
    return true;
}

bool xml_add_element(struct s3_buffer *out, const char *name, struct s3_text text)
{
    return s3_buffer_printf(out, "<%s>", name) && add_escaped(out, text) && s3_buffer_printf(out, "</%s>", name);
}
