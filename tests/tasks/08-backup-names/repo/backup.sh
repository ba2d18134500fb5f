#!/bin/sh
# Copies every file of the folder $1 into the folder $2.
mkdir -p $2
cd $1
for file in $(ls); do
    cp $file $OLDPWD/$2/
done
