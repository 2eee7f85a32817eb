/* What tests tell the server, under /_s3sim/: unsigned, JSON in and out. */
#ifndef S3SIM_CONTROL_H
#define S3SIM_CONTROL_H

#include "request.h"

void control_serve(struct request *q);

#endif
