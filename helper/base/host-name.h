/*
 * This host's name, as people type it.
 */
#pragma once

#define HOST_NAME_SIZE 65

/* 0, or a negative errno with "" in `ret_name`. */
int host_name(char ret_name[HOST_NAME_SIZE]);
